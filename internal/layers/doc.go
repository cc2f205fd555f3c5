// Package layers holds the arrows of ARCHITECTURE.md in a test: dependencies point one way.
package layers
