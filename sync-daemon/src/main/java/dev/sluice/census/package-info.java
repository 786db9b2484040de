/** Reads every stored value of the source once and says what is really there, column by column. */
package dev.sluice.census;
