/** Where a migration stands: its phase, and whether it runs, waits or is blocked. */
package dev.sluice.phase;
