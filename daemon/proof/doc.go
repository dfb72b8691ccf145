// Package proof holds the harnesses that hold the real posd, as a process, against the ledgers of the other side: kills,
// power loss, failing system calls, and bugs planted on purpose. It has tests only, behind the build tag proof, which
// make proof sets.
package proof
