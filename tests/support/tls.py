"""A certificate authority for scenarios, made by openssl(1), and contexts for the ends that are Python's ssl."""

import ssl
import subprocess
from pathlib import Path


class Authority:
    """Owner of a folder of PEM files: ca.pem, and NAME.pem with NAME.key for each certificate issued."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def issue(self, name: str, *names: str) -> dict[str, str]:
        """A certificate for subjectAltNames like "DNS:a.example"; what [realm.tls] certificates wants to know of it."""
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"basicConstraints=CA:FALSE\nsubjectAltName={','.join(names)}\n")
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                      "-days", "2", "-extfile", str(extensions), "-out", f"{name}.pem")
        (self.folder / f"{name}.key").chmod(0o644)  # weir-control is nobody in particular
        return {"chain": str(self.folder / f"{name}.pem"), "key": str(self.folder / f"{name}.key")}

    def client(self, name: str = "") -> ssl.SSLContext:
        """Believes this authority; shows the certificate of that name if there is one."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def server(self, name: str, wants_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        if wants_client:
            context.load_verify_locations(str(self.ca))
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)
