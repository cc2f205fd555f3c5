// Package oncollectd tests the command line against a real collectd.
package oncollectd
