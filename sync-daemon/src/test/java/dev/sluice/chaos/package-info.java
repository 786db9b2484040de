/** Writers, a daemon and a PostgreSQL that are disturbed and killed at random, and comparisons of what is left. */
package dev.sluice.chaos;
