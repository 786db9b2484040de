/** What to do with rows that the other side refuses: pure decisions, no I/O, no clock. */
package dev.sluice.conflict;
