// Package interop holds the wallet simulator against clients that others have written: what they sign it must take, what it
// signs they must believe. It is a module of its own, so that posd depends on none of them.
package interop
