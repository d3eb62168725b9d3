"""Types that cross packages."""
