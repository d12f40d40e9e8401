"""The certificate for HTTPS: the owner's, or a self-signed one, kept so that a browser's exception for it lasts."""

import datetime
import ipaddress
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from agent.config import Server
from agent.paths import state_folder
from agent.server.addresses import LOOPBACK, host_name, is_wildcard, machine_addresses, machine_names

DAYS = 397
"""Browsers refuse certificates that are valid for longer than 398 days."""
RENEW = datetime.timedelta(days=14)


class CertificateError(ValueError):
    """The certificate cannot be used; the message says why in one line."""


def certificate(server: Server) -> tuple[Path, Path]:
    """Paths of the PEM certificate and its key. Raises CertificateError."""
    if server.tls_certificate and server.tls_key:
        pair = (server.tls_certificate, server.tls_key)
        _check(*pair)
        return pair
    return self_signed(_names(server), state_folder())


def self_signed(names: list[str], folder: Path) -> tuple[Path, Path]:
    """Like `certificate`, for `names` (hosts and addresses): the pair kept in `folder`, made anew when there is none,
    when it lacks a name, and when it ends within RENEW."""
    pair = (folder / "certificate.pem", folder / "certificate-key.pem")
    try:
        if not _still_serves(*pair, names):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _make(*pair, names)
    except OSError as error:
        raise CertificateError(f"{error.filename}: {error.strerror}: no place to keep the certificate") from None
    return pair


def fingerprint(path: Path) -> str:
    """SHA-256 of the certificate as browsers show it."""
    digest = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
    return digest.hex(":").upper()


def _names(server: Server) -> list[str]:
    names = [*LOOPBACK, *(host_name(name) or name for name in server.allowed_hosts)]
    if not server.is_loopback:
        names += [*machine_names(), *machine_addresses()]
    if not is_wildcard(server.host):
        names.append(server.host)
    return sorted({name for name in names if name})


def _check(certificate: Path, key: Path) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        raise CertificateError(
            f"{certificate} and {key} are not a certificate and its key in PEM: {error.reason or error}"
        ) from None
    except OSError as error:
        missing = next((path for path in (certificate, key) if not path.is_file()), certificate)
        raise CertificateError(f"{missing}: {error.strerror} (server.tls_certificate, server.tls_key)") from None


def _still_serves(certificate: Path, key: Path, names: list[str]) -> bool:
    try:
        _check(certificate, key)
        found = x509.load_pem_x509_certificate(certificate.read_bytes())
        covered = set(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (ValueError, x509.ExtensionNotFound):
        return False
    return set(map(_general_name, names)) <= covered and found.not_valid_after_utc > _now() + RENEW


def _make(certificate: Path, key: Path, names: list[str]) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Visavis (self-signed)")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - datetime.timedelta(hours=1))
        .not_valid_after(_now() + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(list(map(_general_name, names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key.unlink(missing_ok=True)
    # Created unreadable to others, rather than made so after the secret is in it.
    with open(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host.encode("idna").decode())


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
