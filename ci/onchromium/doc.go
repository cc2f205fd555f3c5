// Package onchromium tests the HTML page in a real browser.
package onchromium
