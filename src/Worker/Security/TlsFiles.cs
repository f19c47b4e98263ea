using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace VlWorker.Security;

/// <summary>What a TLS client trusts and shows, from PEM files. Nothing here accepts a certificate that can't be verified.</summary>
/// <param name="CaFile">Certificates of authorities to trust in place of the system's; null for the system's.</param>
/// <param name="CertificateFile">The client's certificate, with intermediate ones behind it; null for none.</param>
/// <param name="KeyFile">The private key of the client's certificate.</param>
/// <remarks>Files are read at each handshake, so renewed certificates are taken with the next connection.</remarks>
internal sealed record TlsFiles(string? CaFile, string? CertificateFile, string? KeyFile)
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>Whether anything is set.</summary>
    public bool Any => !string.IsNullOrEmpty(CaFile) || HasCertificate || !string.IsNullOrEmpty(KeyFile);

    private bool HasCertificate => !string.IsNullOrEmpty(CertificateFile);

    /// <summary>Everything that is wrong with the files, each a sentence.</summary>
    public IEnumerable<string> Check()
    {
        if (!string.IsNullOrEmpty(CaFile) && Problem(() => Authorities(CaFile)) is { } authorities)
            yield return $"CaFile: {authorities}";
        if (HasCertificate != !string.IsNullOrEmpty(KeyFile))
            yield return "ClientCertificateFile and ClientKeyFile go together: one of them is missing";
        else if (HasCertificate && Problem(() => ClientCertificate()) is { } certificate)
            yield return $"ClientCertificateFile: {certificate}";
    }

    /// <summary>Chooses the client's certificate; null if there is none to show.</summary>
    public LocalCertificateSelectionCallback? Selection => HasCertificate ? (_, _, _, _, _) => ClientCertificate() : null;

    /// <summary>Verifies a server: its name, its dates, its purpose and its chain up to a trusted authority.</summary>
    public bool Verify(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (string.IsNullOrEmpty(CaFile))
            return errors == SslPolicyErrors.None;
        if (certificate is null || (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None)
            return false;
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(Authorities(CaFile));
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.DisableCertificateDownloads = true;
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        if (chain is not null)
            own.ChainPolicy.ExtraStore.AddRange(chain.ChainElements.Select(element => element.Certificate).ToArray());
        return own.Build(certificate as X509Certificate2 ?? X509CertificateLoader.LoadCertificate(certificate.GetRawCertData()));
    }

    private X509Certificate2 ClientCertificate() => X509Certificate2.CreateFromPemFile(CertificateFile!, KeyFile);

    private static X509Certificate2Collection Authorities(string path)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(path);
        return authorities.Count > 0 ? authorities : throw new CryptographicException($"there is no certificate in {path}");
    }

    private static string? Problem(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return error.Message;
        }
    }
}
