using System.Net;
using Google.Protobuf;
using Mesh.Grains.Interfaces.Errors;

namespace Mesh.ProxyHost.Sessions;

/// <summary>What a message may hold at the most.</summary>
internal static class RequestLimits
{
    public const int MaxMessageBytes = 64 * 1024;
    public const int MaxCsrBytes = 16 * 1024;
    public const int MaxServices = 256;
    public const int MaxEdges = 256;
    public const int MaxServiceNameChars = 140;
    public const int MaxDnsNameChars = 253;
    public const int MaxAddressChars = 64;

    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>.</exception>
    public static void CheckCsr(ByteString csr)
    {
        if (csr.Length is 0 or > MaxCsrBytes)
        {
            throw new MeshException(MeshError.InvalidRequest, $"The CSR has {csr.Length} bytes; 1 to {MaxCsrBytes} are read.");
        }
    }

    /// <summary>An address in the one spelling under which it is looked up.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.InvalidRequest"/>.</exception>
    public static IPEndPoint CheckAddress(string text) => text.Length <= MaxAddressChars && IPEndPoint.TryParse(text, out var address) && address.Port != 0
        ? new IPEndPoint(address.Address.IsIPv4MappedToIPv6 ? address.Address.MapToIPv4() : address.Address, address.Port)
        : throw new MeshException(MeshError.InvalidRequest, "address is not IP:PORT.");
}
