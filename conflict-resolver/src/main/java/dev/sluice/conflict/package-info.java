/** What to do with rows that the other side refuses, or has another version of: pure decisions, no I/O, no clock. */
package dev.sluice.conflict;
