// Package hostsim is an acquirer's host with its own ledger, and faults.
//
// It speaks whatever dialect it is given and is strict: it checks terminal and merchant, MAC, sign-on, batch number and
// trace number, and matches voids, refunds and reversals by its own ledger. What it should do wrong is said in rules.
package hostsim
