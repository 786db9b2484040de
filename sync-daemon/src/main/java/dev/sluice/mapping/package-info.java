/** Which PostgreSQL type a column gets, and how each value goes there and comes back bit for bit. */
package dev.sluice.mapping;
