-- The account and the database of the service, once, on the leader, as postgres:
--     psql -h /var/lib/kdp-cluster -v password=… -f role.sql
-- It owns its tables and nothing else; the replication and Patroni have accounts of their own.
CREATE ROLE kdp LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;
CREATE DATABASE kdp OWNER kdp ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE kdp FROM PUBLIC;
