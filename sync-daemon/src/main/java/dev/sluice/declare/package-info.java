/** Carries out a plan's DDL, each statement once, and remembers what became of it. */
package dev.sluice.declare;
