// Package onsystems holds the stories of the command on real installations of the systems that describe hosts: Capistrano, collectd and Puppet.
package onsystems
