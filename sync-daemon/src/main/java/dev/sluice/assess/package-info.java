/** Says before anything is moved whether a source can be, what would stand in the way and what each column would become. */
package dev.sluice.assess;
