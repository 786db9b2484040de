/** Copies the tables in chunks while the application writes, each chunk exactly once whatever is killed. */
package dev.sluice.copy;
