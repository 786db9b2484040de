/** Says before anything is moved whether a source can be, what stands in the way and what each column becomes. */
package dev.sluice.assess;
