/**
 * Puts the changelog, its control row and the triggers that feed it into a source, keeps them whole, takes them out.
 */
package dev.sluice.capture;
