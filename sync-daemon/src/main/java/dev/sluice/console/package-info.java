/**
 * Speaks to people and scripts: log lines, progress and the output of commands; results on stdout, the rest on
 * stderr.
 */
package dev.sluice.console;
