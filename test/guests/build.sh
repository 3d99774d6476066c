#!/bin/sh
# Builds the guest programs of the tests and of examples/, from their sources.
