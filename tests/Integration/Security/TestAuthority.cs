using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VlWorker.Integration.Security;

/// <summary>A certificate authority made on the spot, and the PEM files that it issues into a folder of its own.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _authority;

    /// <summary>Makes an authority.</summary>
    public TestAuthority()
    {
        Folder = Directory.CreateTempSubdirectory("vlworker-tls-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=VlWorker test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(CaFile, _authority.ExportCertificatePem());
    }

    /// <summary>The folder with all files.</summary>
    public string Folder { get; }

    /// <summary>The authority's certificate.</summary>
    public string CaFile => Path.Combine(Folder, "ca.pem");

    /// <summary>Issues a certificate, for a server on loopback unless told otherwise.</summary>
    /// <param name="name">Name of the files.</param>
    /// <param name="host">The DNS name that it is for; null for 127.0.0.1 and localhost.</param>
    /// <param name="client">For a client in place of a server.</param>
    /// <param name="expired">Valid until yesterday.</param>
    public (string Certificate, string Key) Issue(string name, string? host = null, bool client = false, bool expired = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host ?? "localhost");
        if (host is null)
            names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(client ? "1.3.6.1.5.5.7.3.2" : "1.3.6.1.5.5.7.3.1")], true));
        var until = DateTimeOffset.UtcNow.AddDays(expired ? -0.5 : 20);
        using var certificate = request.Create(_authority, DateTimeOffset.UtcNow.AddDays(-0.9), until, RandomNumberGenerator.GetBytes(16));
        var (certificateFile, keyFile) = (Path.Combine(Folder, $"{name}.pem"), Path.Combine(Folder, $"{name}.key"));
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificateFile, keyFile);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
