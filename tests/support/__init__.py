"""What several test files use: servers, clients and services to test with, tables of cases, and checks made by hand."""
