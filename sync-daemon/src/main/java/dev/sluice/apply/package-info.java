/** Writes rows to the target's tables: chunks by COPY, changes by key, and parks what the target can't take. */
package dev.sluice.apply;
