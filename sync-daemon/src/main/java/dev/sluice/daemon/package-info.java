/** The running service: one migration, its API, its end. */
package dev.sluice.daemon;
