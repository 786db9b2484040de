/** Reads the source in short snapshots: what the changelog touched, the next rows to copy, rows by key. */
package dev.sluice.tail;
