/** What several tests share. */
package dev.sluice.testing;
