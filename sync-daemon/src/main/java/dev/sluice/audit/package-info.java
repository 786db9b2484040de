/** The audit log outside of PostgreSQL: its mirror as a file, and the search for what was deleted, edited or moved in either. */
package dev.sluice.audit;
