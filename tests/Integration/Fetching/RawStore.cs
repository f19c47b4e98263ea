using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using VlWorker.Integration.Infrastructure;

namespace VlWorker.Integration.Fetching;

/// <summary>
/// Puts and deletes objects without the SDK: the request's bytes are made here (AWS Signature Version 4), so no library tidies the key up,
/// and a key that XML can't express is deleted too.
/// </summary>
internal static class RawStore
{
    public static Task PutAsync(StoreUser user, string bucket, string key, byte[] content) => SendAsync(HttpMethod.Put, user, bucket, key, content);

    public static Task DeleteAsync(StoreUser user, string bucket, string key) => SendAsync(HttpMethod.Delete, user, bucket, key, []);

    private static async Task SendAsync(HttpMethod method, StoreUser user, string bucket, string key, byte[] content)
    {
        var path = $"/{bucket}/{Uri.EscapeDataString(key).Replace("%2F", "/", StringComparison.Ordinal)}";
        var uri = new Uri(user.Endpoint.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var stamp = DateTime.UtcNow.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var hash = Convert.ToHexStringLower(SHA256.HashData(content));
        var scope = $"{stamp[..8]}/us-east-1/s3/aws4_request";
        var canonical = $"{method}\n{path}\n\nhost:{uri.Authority}\nx-amz-content-sha256:{hash}\nx-amz-date:{stamp}\n\nhost;x-amz-content-sha256;x-amz-date\n{hash}";
        var toSign = $"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var signing = scope.Split('/').Aggregate(Encoding.UTF8.GetBytes("AWS4" + user.SecretKey), static (secret, part) => HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(part)));
        var signature = Convert.ToHexStringLower(HMACSHA256.HashData(signing, Encoding.UTF8.GetBytes(toSign)));

        using var http = new HttpClient();
        using var request = new HttpRequestMessage(method, uri) { Content = new ByteArrayContent(content) };
        request.Headers.Add("x-amz-date", stamp);
        request.Headers.Add("x-amz-content-sha256", hash);
        request.Headers.Authorization = new AuthenticationHeaderValue(
            "AWS4-HMAC-SHA256", $"Credential={user.AccessKey}/{scope},SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature={signature}");
        using var response = await http.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
