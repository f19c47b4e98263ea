using System.Net;
using System.Net.Sockets;

namespace VlWorker.Integration.Security;

/// <summary>Ports for servers that must be told one.</summary>
internal static class Ports
{
    /// <summary>A port that nothing uses at this moment.</summary>
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
