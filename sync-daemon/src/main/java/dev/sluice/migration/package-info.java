/** One migration from first look to last check: prepares it, runs it once or live, and says where it stands. */
package dev.sluice.migration;
