// Package scanner drives barcode scanners: it turns their bytes into scans and hands each to who claims it.
package scanner
