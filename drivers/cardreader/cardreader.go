// Package cardreader drives card readers: it turns their bytes into cards and hands each to who claims it.
package cardreader
