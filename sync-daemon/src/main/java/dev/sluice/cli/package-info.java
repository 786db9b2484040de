/** The command line: one class a command, each a thin layer over what the packages below do. */
package dev.sluice.cli;
