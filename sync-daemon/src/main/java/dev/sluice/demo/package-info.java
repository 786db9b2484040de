/** A tour: a sample application writes to SQLite in its own process while its file is copied, followed and proven. */
package dev.sluice.demo;
