"""What has to be asked: the DNS, the relay, the web, the database, the file system."""
