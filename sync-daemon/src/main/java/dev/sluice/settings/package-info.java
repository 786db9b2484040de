/**
 * What the operator chose: one YAML file, environment variables and options, checked as a whole before anything
 * starts.
 */
package dev.sluice.settings;
