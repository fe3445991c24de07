"""Needs a package that no stack has."""
import a_package_that_nobody_has
