/** What Prometheus is told: meters over how a live migration stands and what happens in it. */
package dev.sluice.metrics;
