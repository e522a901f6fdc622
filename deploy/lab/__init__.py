"""The lab: namespaces, processes and real SIP clients around a Weir under test. Shared by deploy/demo and the
scenario tests. Standard library only, Python 3.11 (Debian 12). Needs root."""
