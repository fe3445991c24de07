#!/bin/sh
# The batch script of every job: what is to run are its arguments, and they replace it, so that signals reach them.
exec "$@"
