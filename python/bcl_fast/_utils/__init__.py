"""What several packages use and users do not: files, names as codes, threads, devices."""
