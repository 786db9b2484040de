/** Talks to a running daemon: its HTTP API on loopback behind a token, and the client that the commands use. */
package dev.sluice.api;
