using Mesh.Grains.Interfaces.Errors;
using Microsoft.Extensions.Logging;

namespace Mesh.Grains.Attestation.Oidc;

/// <summary>An issuer's keys as its file holds them now. Content that cannot be used leaves the keys before it in force.</summary>
/// <remarks>
/// The content is compared, not the time of the file: what Kubernetes mounts is changed by turning a link further up. It is read when
/// keys are asked for, once a second at the most.
/// </remarks>
internal sealed partial class JwksFile(string path, TimeProvider clock, ILogger logger)
{
    /// <summary>The largest file that is read.</summary>
    public const int MaxBytes = 64 * 1024;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private byte[] _content = [];
    private string? _problem;
    private OidcKeys? _keys;
    private long _looked;

    /// <summary>The keys in force.</summary>
    /// <exception cref="MeshException"><see cref="MeshError.NotReady"/>: there have never been any.</exception>
    public OidcKeys Keys
    {
        get
        {
            lock (_gate)
            {
                if (_keys is null || clock.GetElapsedTime(_looked) >= Period)
                {
                    _looked = clock.GetTimestamp();
                    Look();
                }

                return _keys ?? throw new MeshException(MeshError.NotReady, "The keys of the token's issuer cannot be read; the silo's log says why.");
            }
        }
    }

    /// <exception cref="FormatException">It is too large.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise.</exception>
    public static byte[] Read(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        var content = new byte[MaxBytes + 1];
        var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        return length <= MaxBytes ? content[..length] : throw new FormatException($"It has more than {MaxBytes} bytes.");
    }

    private void Look()
    {
        try
        {
            var content = Read(path);
            if (_keys is not null && content.AsSpan().SequenceEqual(_content))
            {
                _problem = null;
                return;
            }

            _keys = OidcKeys.Parse(content);
            (_content, _problem) = (content, null);
            Log.InForce(logger, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            // Once for each problem, not once for each request.
            if (_problem != e.Message)
            {
                _problem = e.Message;
                Log.Kept(logger, path, e.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 2301, Level = LogLevel.Information, Message = "The keys in {JwksFile} are in force")]
        public static partial void InForce(ILogger logger, string jwksFile);

        [LoggerMessage(EventId = 2302, Level = LogLevel.Error, Message = "{JwksFile} cannot be used, and the keys that it held before stay in force: {Reason}")]
        public static partial void Kept(ILogger logger, string jwksFile, string reason);
    }
}
