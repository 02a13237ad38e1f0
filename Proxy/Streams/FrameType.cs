namespace Mesh.Proxy.Streams;

/// <summary>What a frame of <c>mesh-orleans/1</c> says.</summary>
internal enum FrameType : byte
{
    /// <summary>From the side that connected: a stream begins. Content: the workload's port that it is for, two bytes, high one first; 0: the
    /// one that the connection was made to.</summary>
    Open = 1,

    /// <summary>In answer: the application was reached. No content.</summary>
    Accept = 2,

    /// <summary>In answer: it was not. Content: a <see cref="RefusalCode"/>.</summary>
    Refuse = 3,

    /// <summary>Bytes of the application: at least one.</summary>
    Data = 4,

    /// <summary>Nothing more comes on this stream from here. No content.</summary>
    End = 5,
}

/// <summary>Why a stream was not opened.</summary>
internal enum RefusalCode : byte
{
    /// <summary>Policy, or an identity that is valid no more.</summary>
    Policy = 1,

    /// <summary>The proxy has no certificate, bundle or policy in force.</summary>
    NotReady = 2,

    /// <summary>The application did not answer.</summary>
    Unreachable = 3,

    /// <summary>The workload has no such port here.</summary>
    Port = 4,

    /// <summary>The caller's certificate, or one that vouches for it, was revoked.</summary>
    Revoked = 5,
}
