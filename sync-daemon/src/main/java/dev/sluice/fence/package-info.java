/** The fence of the target: triggers that refuse every write but our own while SQLite has the traffic. */
package dev.sluice.fence;
