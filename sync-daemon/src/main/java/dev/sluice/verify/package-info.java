/** Proves with SHA-256 over typed rows that both sides hold the same, names what differs, and mends it on request. */
package dev.sluice.verify;
