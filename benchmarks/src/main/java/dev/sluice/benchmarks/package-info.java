/** Single steps of the way of a row, by themselves. */
package dev.sluice.benchmarks;
