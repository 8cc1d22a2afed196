"""Two nodes of the service, three members of the database and a balancer, on one machine."""
