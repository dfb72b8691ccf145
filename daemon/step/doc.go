// Package step names the places of a payment at which a crash would hurt most, so that a harness can make posd crash at
// each of them: one commit before and after, one byte before and after, between an answer and what becomes of it.
//
// In the posd that ships it is empty: every function does nothing and leaves nothing behind in the binary. With the build
// tag steps, POSD_STEP names the place at which the process kills itself.
package step
